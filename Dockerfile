# headrace in an image: `docker build -t headrace .`, then `docker run headrace --help`.
# docs/cluster.md says how several make a cluster.
FROM node:24-slim AS build
WORKDIR /build
COPY . .
RUN npm ci && npm pack --ignore-scripts

FROM node:24-slim
COPY --from=build /build/headrace-*.tgz /tmp/
RUN npm install --global /tmp/headrace-*.tgz && rm /tmp/headrace-*.tgz
USER node
ENTRYPOINT ["headrace"]
