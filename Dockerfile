# Build and run (with the index of torch's CPU builds, which pytorch.org names, the image is much smaller):
#     docker build -t genbench --build-arg PIP_EXTRA_INDEX_URL=INDEX .
#     docker run --rm -v "$PWD/results:/work/results" genbench run --models all --data moons
FROM python:3.12-slim AS build
ARG PIP_EXTRA_INDEX_URL=""
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY genbench genbench
COPY models models
COPY datasets datasets
RUN python -m venv /opt/genbench \
    && /opt/genbench/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.12-slim
COPY --from=build /opt/genbench /opt/genbench
# one thread a process: the parallelism is across trials
ENV OMP_NUM_THREADS=1 PATH=/opt/genbench/bin:$PATH
RUN useradd --create-home --uid 1000 genbench && mkdir -p /work/results && chown -R genbench /work
USER genbench
WORKDIR /work
ENTRYPOINT ["genbench"]
CMD ["--help"]
