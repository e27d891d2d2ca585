import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Rng } from '../../../src/sandbox/generate/rng.ts';
import { hostileInput, MARK } from './hostile.ts';
import { judge } from './judge.ts';
import { makeRequest } from './requests.ts';
import type { Holdings } from './target.ts';
import { openWire, type Wire, type WireResult } from './wire.ts';
import { type FuzzWorld, startFuzzWorld } from './world.ts';

export interface FuzzOptions {
  readonly seed: string;
  readonly requests: number;
  /** No more are begun after this time. */
  readonly minutes: number;
  /** Number of the first request: a long run can be done in portions. */
  readonly from: number;
  readonly connections: number;
  readonly logLevel: string;
  readonly say: (line: string) => void;
}

export interface FuzzReport {
  readonly requests: number;
  readonly seconds: number;
  readonly routes: number;
  /** Answers by the first digit of their status, and what was not answered by right. */
  readonly answers: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly before: Holdings;
  readonly after: Holdings;
}

/** Requests after which memory has taken its shape. */
const WARM_UP = 5_000;
/** Tokens live for minutes, and own exports are deleted by what is sent. */
const REFRESH_EVERY = 20_000;
const PROBLEMS_MAX = 20;
const HEAP_GROWTH_MAX_BYTES = 32 * 1024 * 1024;
/** Files that something else holds at that moment: the end of an export, a log. */
const FILES_SLACK = 3;
/** Those that `fetch` keeps for the callers that are not hostile. */
const OWN_CONNECTIONS_MAX = 12;
/** Database pools fill up to their size, and stay. */
const SOCKETS_SLACK = 48;

/** Sends hostile requests over all routes of the running program, judges each answer, and what the process holds afterwards. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const world = await startFuzzWorld(options.logLevel);
  try {
    return await run(options, world);
  } finally {
    await world.stop();
  }
}

async function run(
  { seed, requests, minutes, from, connections, say }: FuzzOptions,
  world: FuzzWorld,
): Promise<FuzzReport> {
  const hostile = hostileInput();
  const problems: string[] = [];
  const answers: Record<string, number> = {};
  const wires = Array.from({ length: connections }, () => openWire(world.port));

  async function one(wire: Wire, number: number): Promise<void> {
    const request = makeRequest(new Rng(`${seed}/${number}`), world.known, hostile);
    if (request.abandoned) {
      answers.abandoned = (answers.abandoned ?? 0) + 1;
      return wire.abandon(request.bytes);
    }
    const result = await wire.send(request.bytes, request.method === 'HEAD', !request.malformed);
    const kind = kindOf(result);
    answers[kind] = (answers[kind] ?? 0) + 1;
    const problem = judge(request, result, world.victim);
    if (problem === undefined || problems.length >= PROBLEMS_MAX) return;
    problems.push(`request ${number} (${request.method} ${request.route}): ${problem}`);
    say(`${problems.at(-1)}\n    ${JSON.stringify(request.bytes.toString('latin1').slice(0, 600))}`);
  }
  async function send(first: number, count: number): Promise<void> {
    let next = first;
    await Promise.all(
      wires.map(async (wire) => {
        while (next < first + count && problems.length < PROBLEMS_MAX) await one(wire, next++);
      }),
    );
  }

  const began = performance.now();
  const warmUp = Math.min(WARM_UP, Math.floor(requests / 2));
  await send(from, warmUp);
  const before = await idleHoldings(world, wires);
  const until = began + minutes * 60_000;
  let done = warmUp;
  while (done < requests && performance.now() < until && problems.length < PROBLEMS_MAX) {
    const count = Math.min(REFRESH_EVERY, requests - done);
    await world.refresh();
    await send(from + done, count);
    done += count;
    const rate = Math.round(done / ((performance.now() - began) / 1_000));
    if (requests > REFRESH_EVERY) {
      const { heapBytes, rssBytes } = await world.holdings();
      say(`${from + done}: ${rate}/s, heap ${megabytes(heapBytes)}, resident ${megabytes(rssBytes)}`);
    }
  }
  const seconds = (performance.now() - began) / 1_000;
  const after = await idleHoldings(world, wires, before);
  problems.push(...leftBehind(before, after));
  await world.checkVictim();
  problems.push(...(await leaksInLog(world)));
  return { requests: done, seconds, routes: world.known.routes.length, answers, problems, before, after };
}

const kindOf = (result: WireResult): string =>
  result.kind === 'answer' ? `${Math.floor(result.answer.status / 100)}xx` : result.kind;

/** What is held when nothing is under way any more: exports that hostile callers started may still write their files. */
async function idleHoldings(world: FuzzWorld, wires: readonly Wire[], before?: Holdings): Promise<Holdings> {
  for (const wire of wires) wire.close();
  let holdings = await world.holdings();
  const isBusy = (): boolean =>
    holdings.connections > OWN_CONNECTIONS_MAX || holdings.files > (before?.files ?? holdings.files) + FILES_SLACK;
  for (let tries = 0; tries < 100 && isBusy(); tries++) {
    await sleep(100);
    holdings = await world.holdings();
  }
  return holdings;
}

function leftBehind(before: Holdings, after: Holdings): string[] {
  const problems: string[] = [];
  const grown = after.heapBytes - before.heapBytes;
  if (grown > HEAP_GROWTH_MAX_BYTES) problems.push(`the heap grew by ${megabytes(grown)}`);
  if (after.connections > OWN_CONNECTIONS_MAX) problems.push(`${after.connections} connections of callers are left`);
  if (after.files > before.files + FILES_SLACK) problems.push(`open files: ${before.files}, then ${after.files}`);
  if (after.sockets > before.sockets + SOCKETS_SLACK)
    problems.push(`sockets: ${before.sockets}, then ${after.sockets}`);
  return problems;
}

/** Nothing that was sent or kept may stand in the log. */
async function leaksInLog({ logFile, secrets, known }: FuzzWorld): Promise<string[]> {
  const never = [MARK, ...secrets, ...known.tokens];
  const problems: string[] = [];
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    const found = never.find((text) => line.includes(text));
    if (found !== undefined && problems.length < PROBLEMS_MAX)
      problems.push(`the log says ${JSON.stringify(found.slice(0, 20))}: ${line.slice(0, 300)}`);
    if (line.includes('"level":60') || line.includes('unhandled')) problems.push(`the log: ${line.slice(0, 300)}`);
  }
  return problems;
}

export const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
