import type { FastifyInstance } from 'fastify';

/**
 * The two names of a tenant's FHIR base, below `/v1/{tenant}`. They serve the same routes; every link to a job, a status
 * or a file uses the second.
 */
export const FHIR_BASES = ['/r4', '/bulk-data/r4'] as const;

/** What a route does in FHIR's terms. A route that carries it in `config.fhir` appears in the CapabilityStatement. */
export type FhirRoute =
  | { readonly kind: 'operation'; readonly type: string; readonly name: string; readonly definition: string }
  | { readonly kind: 'read'; readonly type: string }
  | {
      readonly kind: 'search';
      readonly type: string;
      readonly parameters: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
    };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly fhir?: FhirRoute;
  }
}

/**
 * Gathers what the routes of a server really do, as they are mounted. Call it before the first of them is.
 *
 * @returns the routes, filled as plugins load; each once, whatever its methods and bases
 */
export function collectFhirRoutes(server: FastifyInstance): readonly FhirRoute[] {
  const routes = new Map<string, FhirRoute>();
  server.addHook('onRoute', ({ config }) => {
    const fhir = config?.fhir;
    if (!fhir) return;
    routes.set([fhir.kind, fhir.type, 'name' in fhir ? fhir.name : ''].join(' '), fhir);
    list.splice(0, list.length, ...routes.values());
  });
  const list: FhirRoute[] = [];
  return list;
}
