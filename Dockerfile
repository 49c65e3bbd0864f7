# panewatch in an image: tmux as a client, the exporter, and nothing that can be written.
FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY exporter exporter
# Everything that is fetched is checked against the hashes; the second environment then takes
# from it, without a network, only what the exporter imports.
RUN python -m venv /build && python -m venv /app \
    && /build/bin/pip download --quiet --require-hashes -r constraints.txt -d /wheels \
    && /build/bin/pip install --quiet --no-index --find-links /wheels hatchling \
    && /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /app/bin/pip install --quiet --no-index --find-links /wheels panewatch

FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends tmux \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=5s CMD ["panewatch", "healthcheck"]
ENTRYPOINT ["panewatch"]
