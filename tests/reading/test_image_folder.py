import numpy as np
import pytest
from PIL import Image

from genbench.core.errors import GenbenchError
from genbench.reading.image_folder import read_images


@pytest.fixture
def photos(tmp_path):
    """Two classes of grey images, the names of which sort as numbers; the i-th is filled with its number."""
    for k, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(np.full((6, 4), 100 * k + i, dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "cat" / "Thumbs.db").write_text("x")
    (tmp_path / "cat" / ".hidden.png").write_text("x")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    return tmp_path


def test_classes_are_folders_and_files_are_in_order(photos):
    found = read_images(str(photos))
    assert found.levels.shape == (24, 1, 6, 4)
    assert found.levels[:, 0, 0, 0].tolist() == [*range(12), *range(100, 112)]
    assert (found.classes, found.labels.tolist()) == (("cat", "dog"), [0] * 12 + [1] * 12)
    alone = read_images(str(photos / "dog"))
    assert (alone.labels, alone.classes, len(alone.levels)) == (None, (), 12)


def test_formats_channels_and_sizes(tmp_path):
    red = np.zeros((9, 12, 3), dtype=np.uint8)
    red[..., 0] = 200
    for suffix in ("png", "webp", "bmp", "tiff"):
        Image.fromarray(red).save(tmp_path / f"x.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    Image.fromarray(red).quantize(2).save(tmp_path / "palette.png")
    Image.fromarray(np.dstack([red, np.full((9, 12), 255, np.uint8)])).save(tmp_path / "alpha.PNG")
    found = read_images(str(tmp_path))
    assert found.levels.shape == (6, 3, 9, 12)
    assert np.unique(found.levels[:, 0]).tolist() == [200]
    assert not found.levels[:, 1:].any()
    assert np.unique(read_images(str(tmp_path), channels=1).levels).tolist() == [60], "Rec. 601: 0.299 · 200"
    Image.fromarray(red[:5]).save(tmp_path / "z.jpg")
    with pytest.raises(GenbenchError, match=r"z\.jpg has 12×5 pixels, where alpha\.PNG has 12×9; .* or give size=5"):
        read_images(str(tmp_path))
    assert read_images(str(tmp_path), size=5).levels.shape == (7, 3, 5, 5)


def test_the_middle_is_cut_out(tmp_path):
    image = np.zeros((4, 8), dtype=np.uint8)
    image[:, 2:6] = 255
    Image.fromarray(image).save(tmp_path / "x.png")
    assert (read_images(str(tmp_path), size=4).levels == 255).all()


def test_a_camera_held_sideways(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(np.zeros((4, 8), dtype=np.uint8)).save(tmp_path / "x.jpg", exif=exif)
    assert read_images(str(tmp_path)).levels.shape == (1, 1, 8, 4)


def test_faults_name_the_file_or_folder(photos, tmp_path):
    damaged = photos / "dog" / "5.png"
    damaged.write_bytes(damaged.read_bytes()[:50])
    with pytest.raises(GenbenchError, match=r"dog.5\.png cannot be read as an image"):
        read_images(str(photos))
    Image.fromarray(np.zeros((6, 4), dtype=np.uint16)).save(damaged)
    with pytest.raises(GenbenchError, match=r"dog.5\.png has pixels of mode I;16; save it with 8 bits"):
        read_images(str(photos))
    damaged.unlink()
    Image.fromarray(np.zeros((6, 4), dtype=np.uint8)).save(photos / "loose.png")
    with pytest.raises(GenbenchError, match="1 images beside the folders of its classes"):
        read_images(str(photos))
    (photos / "loose.png").unlink()
    (photos / "empty").mkdir()
    with pytest.raises(GenbenchError, match="empty has no images, as the folder of a class should"):
        read_images(str(photos))
    (photos / "empty" / "deeper").mkdir()
    with pytest.raises(GenbenchError, match="empty has folders and no images; give one such folder"):
        read_images(str(photos))
    with pytest.raises(GenbenchError, match="deeper has no images"):
        read_images(str(photos / "empty" / "deeper"))
    with pytest.raises(GenbenchError, match="no folder"):
        read_images(str(photos / "nowhere"))
