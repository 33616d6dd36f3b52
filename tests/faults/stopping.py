"""Models that press Ctrl-C, change the working folder, wait, or take their process with them."""

import ctypes
import os
import signal
import subprocess
import threading
import time

import numpy as np
import torch

from genbench import Model, TorchModel, register_model


class Normal(Model):
    """The standard normal distribution."""

    def fit(self, x):
        self.d = x.shape[1]
        self.act()

    def act(self):
        """Do something in the middle of the training run."""

    def sample(self, n):
        return np.random.standard_normal((n, self.d))


@register_model("unpressed", family="stopping")
class Unpressed(Normal):
    """Does nothing."""


@register_model("pressing", family="stopping")
class Pressing(Normal):
    """Presses Ctrl-C."""

    def act(self):
        os.kill(os.getpid(), signal.SIGINT)


@register_model("pressing_twice", family="stopping")
class PressingTwice(Normal):
    """Presses Ctrl-C twice."""

    def act(self):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)


@register_model("moving", family="moving")
class Moving(TorchModel):
    """Goes to another folder at every step."""

    def build(self, shape):
        self.shift = torch.nn.Parameter(torch.zeros(shape))

    def training_loss(self, x):
        os.chdir(os.environ["ELSEWHERE"])
        return (x - self.shift).square().mean()

    def sample(self, n):
        return self.shift + torch.randn(n, *self.shift.shape)


@register_model("waiting", family="waiting")
class Waiting(Normal):
    """Starts a process, and takes three seconds."""

    def act(self):
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        with open(os.environ["CHILD"], "w") as file:
            file.write(str(child.pid))
        open(os.environ["BEGUN"], "w").close()
        time.sleep(3)


@register_model("exits", family="dying")
class Exits(Normal):
    """Leaves as if all were well."""

    def act(self):
        os._exit(0)


@register_model("faults", family="dying")
class Faults(Normal):
    """Reads where nothing is."""

    def act(self):
        ctypes.string_at(0)


@register_model("aborts", family="dying")
class Aborts(Normal):
    """Aborts when it samples."""

    def sample(self, n):
        os.abort()


@register_model("kills_itself", family="dying")
class KillsItself(Normal):
    """Kills its own process."""

    def act(self):
        os.kill(os.getpid(), signal.SIGKILL)


@register_model("hangs_in_c", family="dying")
class HangsInC(Normal):
    """Sleeps in C with Python's lock held."""

    def act(self):
        ctypes.PyDLL(None).sleep(600)


@register_model("eats", family="dying")
class Eats(Normal):
    """Takes memory without end."""

    def act(self):
        self.eaten = [np.empty(2**28) for _ in range(1000)]


@register_model("leaves_threads", family="dying")
class LeavesThreads(Normal):
    """Leaves a thread and a process that do not end."""

    def act(self):
        threading.Thread(target=time.sleep, args=[600]).start()
        if os.fork() == 0:
            time.sleep(600)


@register_model("prints", family="dying")
class Prints(Normal):
    """Prints from Python and from C."""

    def act(self):
        print("\x1b[31mfrom Python")
        os.write(1, b"from C\n")
