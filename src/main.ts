import { usageOf } from '#/platform/cli/parse-command.ts';
import { readConfig } from '#/platform/config/config.ts';
import { makeLog } from '#/platform/log/log.ts';
import { COMMANDS } from './cli/commands.ts';
import { explain } from './cli/explain.ts';
import { runCommand } from './cli/run-command.ts';
import { serve, work } from './cli/serve.ts';
import { openServices } from './services.ts';

const argv = process.argv.slice(2);
process.exitCode = await main().catch((error) => {
  process.stderr.write(
    `${explain(error, { port: process.env.PORT || '8080', host: process.env.HOST || '127.0.0.1' }) ?? unforeseen(error)}\n`,
  );
  return 1;
});
// What is still open now (a database that does not answer) must not keep the program alive.
setTimeout(() => process.exit(), 2_000).unref();

async function main(): Promise<number> {
  if (argv.length === 0 || argv[0] === 'help' || argv[0] === '--help' || argv[0] === '-h') {
    process.stdout.write(helpText());
    return 0;
  }
  const config = readConfig(process.env);
  const words = argv.join(' ');
  if (words === 'serve' || words === 'serve --no-work') return serve(config, { works: words === 'serve' });
  if (words === 'work') return work(config);
  const stop = new AbortController();
  process.on('SIGINT', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  // Beside a running server a command's own log would only be noise; problems are told in its answer.
  const log = makeLog(process.env.LOG_LEVEL ? config.logLevel : 'error');
  const output = await runCommand(argv, () => openServices(config, { log }), {
    stderr: process.stderr,
    signal: stop.signal,
    config,
  });
  process.stderr.write(output.stderr);
  await new Promise<void>((resolve) => process.stdout.write(output.stdout, () => resolve()));
  return output.exitCode;
}

function helpText(): string {
  const lines = COMMANDS.map((command) => `  ${usageOf(command)}\n      ${command.summary}`);
  return [
    'Covered Bridge: the interoperability platform of a health plan.',
    '',
    '  covered-bridge serve [--no-work]\n      run the service; settings come from the environment (docs/reference/config.md)',
    '  covered-bridge work\n      run background jobs only, beside processes that `serve --no-work`',
    ...lines,
    '',
    'With --json a command prints one JSON document. Exit codes: 0 done, 1 refused, 2 wrong usage.',
    '',
  ].join('\n');
}

/** The stack goes to the log, and only for what nobody foresaw. */
function unforeseen(error: unknown): string {
  makeLog('error').error({ err: error }, 'unexpected failure');
  return `Covered Bridge stopped: ${error instanceof Error ? error.message : 'an unknown error'}`;
}
