import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectMember, type MemberApp } from '../support/member-app.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let app: MemberApp;

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  app = await connectMember(platform);
}, 60_000);
afterAll(() => platform.stop());

test.each(['read', 'search', 'everything', 'docref', 'capability'])(
  'docs/reference/api/%s.md shows a request and what it really answers',
  async (page) => {
    const text = readFileSync(fileURLToPath(new URL(`../../docs/reference/api/${page}.md`, import.meta.url)), 'utf8');
    const request = /```http\nGET \/v1\/demo\/(\S+)\n```/.exec(text)?.[1];
    const shown = /```json\n([\s\S]*?)```/.exec(text)?.[1];
    const answer = await app.get(request ?? '');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject(JSON.parse(shown ?? ''));
  },
);
