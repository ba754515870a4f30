# One image, four commands: `slipway serve | work | migrate | check`. Both stages run scripts of the tree, which
# `make test-bare` runs as well, so that they are proven where there is no container engine.
FROM debian:12-slim AS build
COPY . /src
WORKDIR /src
RUN sh xtask/run.sh image-build /srv/slipway

FROM debian:12-slim
COPY xtask/image-run.sh /tmp/image-run.sh
RUN sh /tmp/image-run.sh
COPY --from=build /srv/slipway /srv/slipway
ENV PATH=/srv/slipway/bin:/usr/local/bin:/usr/bin:/bin \
    SLIPWAY_SITE=/srv/slipway/site \
    SLIPWAY_CATALOG=/srv/slipway/catalog \
    SLIPWAY_ENGINE=/srv/slipway/engine/terraform \
    SLIPWAY_DATA=/var/lib/slipway
USER 10001:10001
EXPOSE 7070
ENTRYPOINT ["slipway"]
CMD ["serve"]
