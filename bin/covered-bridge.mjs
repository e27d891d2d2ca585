#!/usr/bin/env node
// Plain JavaScript that any Node understands: it looks at the version before anything newer is loaded.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `Covered Bridge runs on Node 24.12 or newer; this is ${process.versions.node}. Its own Node comes with \`npm ci\`: start it with \`npm start\` or \`npx --no-install covered-bridge\`, not with \`node\` directly.`,
  );
  process.exit(2);
}
const { enableCompileCache } = await import('node:module');
enableCompileCache?.();
await import('../src/main.ts');
