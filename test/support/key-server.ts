import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientKey, jwksOf } from './assertions.ts';

/** A payer's address of public keys, on this machine. */
export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  asked(): number;
  /** Answers with these keys from now on. */
  serve(keys: readonly ClientKey[], headers?: Readonly<Record<string, string>>): void;
  /** Answers as the function does from now on. */
  behave(answer: (response: ServerResponse) => void): void;
  stop(): Promise<void>;
}

export async function startKeyServer(...keys: readonly ClientKey[]): Promise<KeyServer> {
  let asked = 0;
  let answer: (response: ServerResponse) => void = () => undefined;
  const server = createServer((_request, response) => {
    asked += 1;
    answer(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const serve: KeyServer['serve'] = (served, headers = {}) => {
    answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(jwksOf(...served)));
  };
  serve(keys);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    asked: () => asked,
    serve,
    behave(behaviour) {
      answer = behaviour;
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
