import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { memberAddresses } from '#/authorization/discovery.ts';
import { tenantIssuer } from '#/authorization/issuer.ts';
import {
  type CapabilityPart,
  makeCapabilityStatement,
  type ResourceCapability,
  type SearchParamCapability,
} from '#/fhir/capability/capability-statement.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import {
  type CompiledParameter,
  type SimpleParameter,
  searchParametersOf,
  searchParametersOfAll,
} from '#/fhir/search/parameters.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { readWishes, sendFhir } from './answer.ts';
import { queryPairs } from './parameters.ts';
import { targetsOf } from './search-request.ts';
import { SERVED_PROFILES } from './served-profiles.ts';

const INSTANTIATES = [
  'http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb',
  'http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server',
];
const GUIDES = [
  'http://hl7.org/fhir/us/carin-bb/ImplementationGuide/hl7.fhir.us.carin-bb|2.1.0',
  'http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0',
  'http://hl7.org/fhir/us/davinci-pdex/ImplementationGuide/hl7.fhir.us.davinci-pdex|2.1.0',
];
const INTERACTIONS = ['read', 'vread', 'history-instance', 'search-type'];

/** Operations of the API for apps, by type. */
export const OPERATIONS: Readonly<Record<string, readonly { readonly name: string; readonly definition: string }[]>> = {
  Patient: [{ name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' }],
  DocumentReference: [{ name: 'docref', definition: 'http://hl7.org/fhir/us/core/OperationDefinition/docref' }],
};

/**
 * What members' apps can do on a plan's FHIR base: made from the types that are served and from the compiled parameters that
 * searches go by, so that what it lists works.
 *
 * Source: patient-access.md 3.1.
 */
export function patientAccessPart(types: readonly string[]): CapabilityPart {
  const ofAll = searchParametersOfAll();
  const codesOfAll = new Set(ofAll.map(({ code }) => code));
  const referencesOf = (type: string): readonly SimpleParameter[] =>
    [...searchParametersOf(type).values()].filter(
      (parameter): parameter is SimpleParameter =>
        parameter.type === 'reference' && targetsOf(parameter, types).length > 0,
    );
  const resources = types.map(
    (type): ResourceCapability => ({
      type,
      supportedProfile: SERVED_PROFILES[type] ?? [],
      interaction: INTERACTIONS,
      versioning: 'versioned',
      readHistory: true,
      referencePolicy: ['literal', 'local'],
      searchInclude:
        referencesOf(type).length === 0
          ? []
          : [`${type}:*`, ...referencesOf(type).map(({ code }) => `${type}:${code}`)],
      searchRevInclude: types.flatMap((source) =>
        referencesOf(source)
          .filter((parameter) => targetsOf(parameter, types).includes(type))
          .map(({ code }) => `${source}:${code}`),
      ),
      searchParam: [
        // Named for each type, too: readers of statements look for `_id` there.
        ...ofAll.filter(({ code }) => code === '_id' || code === '_lastUpdated').map(parameterOf),
        ...[...searchParametersOf(type).values()].filter(({ code }) => !codesOfAll.has(code)).map(parameterOf),
      ],
      operation: OPERATIONS[type] ?? [],
    }),
  );
  return { instantiates: INSTANTIATES, implementationGuide: GUIDES, resources, searchParam: ofAll.map(parameterOf) };
}

const parameterOf = ({ code, definition, type }: CompiledParameter): SearchParamCapability => ({
  name: code,
  definition,
  type,
});

export interface CapabilityDeps {
  readonly tenants: Tenants;
  /** What each product does there; asked when a statement is, then all routes are mounted. */
  readonly parts: () => readonly CapabilityPart[];
  readonly version: string;
  readonly releasedOn: string;
}

/** `GET metadata` on both names of the FHIR base, open to everybody. To be mounted under `/v1/:tenant`. */
export function capabilityRoutes(deps: CapabilityDeps): FastifyPluginAsync {
  let parts: readonly CapabilityPart[] | undefined;
  const textOf = async (request: FastifyRequest, base: (typeof FHIR_BASES)[number]): Promise<string> => {
    const tenant = await resolveTenant(deps.tenants, request);
    parts ??= deps.parts();
    const statement = makeCapabilityStatement(parts, {
      tenant,
      fhirBase: base === '/r4' ? deps.tenants.fhirBase(tenant) : deps.tenants.bulkBase(tenant),
      oauthUris: memberAddresses(tenantIssuer(deps.tenants, tenant)),
      version: deps.version,
      releasedOn: deps.releasedOn,
    });
    return JSON.stringify(statement);
  };
  return async (server) => {
    server.setErrorHandler(fhirErrorHandler);
    for (const base of FHIR_BASES)
      server.get(`${base}/metadata`, async (request, reply) => {
        const text = await textOf(request, base);
        const given = new Map(queryPairs(request));
        const wishes = readWishes(request, given.get('_format'), given.get('_pretty'));
        return sendFhir(request, reply, text, wishes);
      });
  };
}
