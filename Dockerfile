# The control plane (API, dashboard, background work) from this repository. How to run it: docs/deploy/docker.md
FROM node:24.11.1-bookworm-slim AS build
WORKDIR /source
COPY . .
RUN npx -y pnpm@12.21.0 install --frozen-lockfile \
  && npm run build \
  && node scripts/pack.ts /packed \
  && npm install --prefix /app --omit=dev --ignore-scripts --no-audit --no-fund \
    /packed/feedback-chat-protocol-*.tgz /packed/feedback-chat-control-plane-*.tgz

FROM node:24.11.1-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4100
COPY --from=build --chown=root:root /app /app
# Nobody inside may change the program. What is kept lies in the database, or in the volume mounted at DATA_DIR.
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /app
EXPOSE 4100
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/healthz`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
# No shell in between: SIGTERM reaches the server, which answers what is open before it ends.
ENTRYPOINT ["node", "/app/node_modules/@feedback-chat/control-plane/dist/main.js"]
