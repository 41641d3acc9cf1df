# The images: `backend` (Pixel Battle), `frontend` (nginx with the page) and, last, so that a plain
# `docker build .` makes it, `counter-app`. Built by BuildKit as well as by the classic builder.
#
#     docker build --target backend -t pixel-battle-backend .
#     docker build --target frontend -t pixel-battle-frontend .
#     docker build -t localhost:5000/counter-app:latest .
#
# The compiler's cache of an earlier build makes the next one after an edit a matter of seconds:
#
#     docker build --target build -t pixel-battle-build .
#     docker build --build-arg CCACHE_FROM=pixel-battle-build --target backend …

ARG DEBIAN=debian:12-slim
ARG NODE=node:lts-slim
ARG NGINX=nginx:stable
ARG CCACHE_FROM=tools

# --- The pages ----------------------------------------------------------------------------------

FROM ${NODE} AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run --silent build

FROM ${NGINX} AS frontend
COPY nginx/frontend.conf /etc/nginx/nginx.conf
COPY nginx/static.conf nginx/page-headers.conf /etc/nginx/
COPY --from=web /build/web/dist /usr/share/nginx/html
USER 101:101
EXPOSE 8080
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/"]
ARG VERSION=latest
ARG REVISION=
LABEL org.opencontainers.image.title="Pixel Battle's page" \
      org.opencontainers.image.description="A shared canvas, one pixel at a time: the page" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# --- The servers --------------------------------------------------------------------------------

FROM ${DEBIAN} AS tools
# The same for everyone, because the compiler's cache looks at it.
ENV LANG=C.UTF-8
RUN apt-get update -qq && apt-get install -y --no-install-recommends \
      ccache cmake g++ mold ninja-build pkg-config \
      libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libbrotli-dev libcli11-dev \
      libhiredis-dev libpng-dev libpq-dev libspdlog-dev libsqlite3-dev libssl-dev libzstd-dev \
      prometheus-cpp-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /var/cache/ccache
WORKDIR /build

FROM ${CCACHE_FROM} AS ccache

FROM tools AS build
ENV CCACHE_DIR=/var/cache/ccache CCACHE_MAXSIZE=1G
COPY --from=ccache /var/cache/ccache /var/cache/ccache
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY loadtest/report.html loadtest/
COPY src src
COPY apps apps
RUN cmake --preset release -DPB_TESTS=OFF -DPB_BENCH=OFF \
 && cmake --build --preset release --target pixel-battle counter-app \
 && install -D --strip build/release/bin/pixel-battle /out/backend/pixel-battle \
 && install -D --strip build/release/bin/counter-app /out/counter-app/counter-app \
 && ln -s pixel-battle /out/backend/alembic  # by this name it is asked for its migrations

# --- What both servers run on -------------------------------------------------------------------

# The user's number is what Kubernetes' runAsNonRoot can see. Nothing is written to the image: what
# the embedded profile keeps is in /data, and the rest is in Redis.
FROM ${DEBIAN} AS runtime
RUN apt-get update -qq && apt-get install -y --no-install-recommends ca-certificates \
      libboost-json1.81.0 libbrotli1 libhiredis0.14 libpng16-16 libpq5 \
      libprometheus-cpp-core1.0 libspdlog1.10 libsqlite3-0 libssl3 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt \
 && useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin server \
 && install -d -o server -g server /data
COPY docker/healthy.sh /usr/local/bin/healthy
ENV PORT=8000 DATA_DIR=/data LOG_FORMAT=json
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["healthy"]

# --- The images ---------------------------------------------------------------------------------

FROM runtime AS backend
COPY migrations /usr/share/pixel-battle/migrations
COPY --from=web /build/web/dist /usr/share/pixel-battle/web
COPY docker/make-secrets.sh /usr/local/bin/make-secrets
COPY --from=build /out/backend /usr/local/bin
ENV MIGRATIONS_DIR=/usr/share/pixel-battle/migrations WEB_DIR=/usr/share/pixel-battle/web
ENTRYPOINT ["pixel-battle"]
ARG VERSION=latest
ARG REVISION=
LABEL org.opencontainers.image.title="Pixel Battle" \
      org.opencontainers.image.description="A shared canvas, one pixel at a time: the server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS counter-app
COPY --from=web /build/web/dist-counter /usr/share/counter-app/web
COPY --from=build /out/counter-app /usr/local/bin
ENV WEB_DIR=/usr/share/counter-app/web
ENTRYPOINT ["counter-app"]
ARG VERSION=latest
ARG REVISION=
LABEL org.opencontainers.image.title="The counter" \
      org.opencontainers.image.description="One shared number behind any number of servers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
