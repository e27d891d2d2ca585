import type { FastifyPluginAsync } from 'fastify';
import type { FhirRoute } from '#/fhir/capability/fhir-route.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { OUR_CANONICAL } from '#/fhir/our-canonicals.ts';
import { type CompiledParameter, searchParametersOf, searchParametersOfAll } from '#/fhir/search/parameters.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { EXPORTABLE_TYPES, isExportable } from './export/exportable-types.ts';

const INSTANTIATES = [
  'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data',
  'http://hl7.org/fhir/us/davinci-pdex/CapabilityStatement/pdex-payer-access-server',
];
const NOT_SUPPORTED = 'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported';
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

export interface CapabilityDeps {
  readonly tenants: Tenants;
  /** What the mounted routes do; complete once the server listens. */
  readonly routes: readonly FhirRoute[];
  readonly version: string;
  /** When this program's surface was last changed. */
  readonly releasedOn: string;
}

/**
 * What a tenant's FHIR base offers: nothing but what its routes really do (P2P-43), the types an export may hold, and the
 * search parameters that its filters understand.
 *
 * Source: FHIR R4 CapabilityStatement; payer-to-payer.md 3.7.
 */
export function makeCapabilityStatement(
  { routes, version, releasedOn }: Omit<CapabilityDeps, 'tenants'>,
  tenant: Pick<Tenant, 'slug' | 'name'>,
  urls: { readonly fhirBase: string; readonly issuer: string },
): object {
  const exports = routes.some(isExport);
  const types = [...new Set([...(exports ? EXPORTABLE_TYPES : []), ...routes.map(({ type }) => type)])].sort();
  return {
    resourceType: 'CapabilityStatement',
    url: `${OUR_CANONICAL}/CapabilityStatement/${tenant.slug}`,
    version,
    name: 'CoveredBridge',
    title: `${tenant.name}: FHIR R4`,
    status: 'active',
    date: releasedOn,
    publisher: tenant.name,
    kind: 'instance',
    ...(exports && { instantiates: INSTANTIATES }),
    software: { name: 'Covered Bridge', version },
    implementation: { description: tenant.name, url: urls.fhirBase },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        security: {
          cors: false,
          service: [
            {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' },
              ],
            },
          ],
          extension: [{ url: OAUTH_URIS, extension: [{ url: 'token', valueUri: `${urls.issuer}/oauth2/token` }] }],
        },
        resource: types.map((type) => resourceOf(type, routes)),
        ...(exports && { searchParam: searchParametersOfAll().map(filterParameter) }),
      },
    ],
  };
}

function resourceOf(type: string, routes: readonly FhirRoute[]): object {
  const own = routes.filter((route) => route.type === type);
  const interaction = own.flatMap(({ kind }) =>
    kind === 'read' ? [{ code: 'read' }] : kind === 'search' ? [{ code: 'search-type' }] : [],
  );
  const searchParam = [...searched(type, routes), ...filtered(type, routes)];
  const operation = own.flatMap((route) =>
    route.kind === 'operation' ? [{ name: route.name, definition: route.definition }] : [],
  );
  return {
    type,
    ...(interaction.length > 0 && { interaction }),
    ...(searchParam.length > 0 && { searchParam }),
    ...(operation.length > 0 && { operation }),
  };
}

const isExport = (route: FhirRoute): boolean => route.kind === 'operation' && route.name === 'export';

/** Parameters of a search by REST; those that filters of an export do not understand say so (Bulk Data 3). */
function searched(type: string, routes: readonly FhirRoute[]): readonly object[] {
  const exports = routes.flatMap((route) =>
    isExport(route) && 'definition' in route ? [{ url: NOT_SUPPORTED, valueCanonical: route.definition }] : [],
  );
  const filters = isExportable(type) ? searchParametersOf(type) : new Map();
  return routes
    .flatMap((route) => (route.kind === 'search' && route.type === type ? route.parameters : []))
    .map((parameter) =>
      exports.length > 0 && isExportable(type) && !filters.has(parameter.name)
        ? { extension: exports, ...parameter }
        : parameter,
    );
}

/** Parameters that filters of an export understand and no search by REST does. */
function filtered(type: string, routes: readonly FhirRoute[]): readonly object[] {
  if (!routes.some(isExport) || !isExportable(type)) return [];
  const known = new Set([
    ...searchParametersOfAll().map(({ code }) => code),
    ...routes.flatMap((route) =>
      route.kind === 'search' && route.type === type ? route.parameters.map(({ name }) => name) : [],
    ),
  ]);
  return [...searchParametersOf(type).values()].filter(({ code }) => !known.has(code)).map(filterParameter);
}

const filterParameter = ({ code, definition, type }: CompiledParameter): object => ({
  name: code,
  definition,
  type,
  documentation: 'In _typeFilter of an export only.',
});

/** `GET metadata` on both names of the FHIR base, open to everybody. To be mounted under `/v1/:tenant`. */
export function capabilityRoutes(deps: CapabilityDeps): FastifyPluginAsync {
  return async (server) => {
    server.setErrorHandler(fhirErrorHandler);
    for (const base of FHIR_BASES) {
      server.get(`${base}/metadata`, async (request, reply) => {
        const tenant = await resolveTenant(deps.tenants, request);
        const fhirBase = base === '/r4' ? deps.tenants.fhirBase(tenant) : deps.tenants.bulkBase(tenant);
        const statement = makeCapabilityStatement(deps, tenant, { fhirBase, issuer: deps.tenants.issuer(tenant) });
        return reply.type('application/fhir+json; charset=utf-8').send(JSON.stringify(statement));
      });
    }
  };
}
