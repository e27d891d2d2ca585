import { OUR_CANONICAL } from '../our-canonicals.ts';

/** What one product does on a plan's FHIR base. */
export interface CapabilityPart {
  /** CapabilityStatements of guides that it meets. */
  readonly instantiates?: readonly string[];
  readonly implementationGuide?: readonly string[];
  readonly resources: readonly ResourceCapability[];
  /** Parameters that every type has. */
  readonly searchParam?: readonly SearchParamCapability[];
}

export interface SearchParamCapability {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly documentation?: string;
  readonly extension?: readonly object[];
}

export interface ResourceCapability {
  readonly type: string;
  readonly supportedProfile?: readonly string[];
  readonly interaction?: readonly string[];
  readonly searchInclude?: readonly string[];
  readonly searchRevInclude?: readonly string[];
  readonly searchParam?: readonly SearchParamCapability[];
  readonly operation?: readonly { readonly name: string; readonly definition: string }[];
  readonly versioning?: 'versioned';
  readonly readHistory?: boolean;
  /** Forms in which references are written. */
  readonly referencePolicy?: readonly string[];
}

export interface StatementFacts {
  readonly tenant: { readonly slug: string; readonly name: string };
  readonly fhirBase: string;
  /** The addresses of authorization, as the discovery document has them, in their order. */
  readonly oauthUris: Readonly<Record<string, string>>;
  readonly version: string;
  /** When this program's surface was last changed. */
  readonly releasedOn: string;
}

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/**
 * The CapabilityStatement of a plan's FHIR base: the parts of all products, merged by type. Where two name one parameter, the
 * first tells how it is.
 *
 * Source: FHIR R4 CapabilityStatement; patient-access.md 2.1, 3.1.
 */
export function makeCapabilityStatement(parts: readonly CapabilityPart[], facts: StatementFacts): object {
  const { tenant, fhirBase, oauthUris, version, releasedOn } = facts;
  const instantiates = distinct(parts.flatMap((part) => part.instantiates ?? []));
  const implementationGuide = distinct(parts.flatMap((part) => part.implementationGuide ?? []));
  const searchParam = firstByName(parts.flatMap((part) => part.searchParam ?? []));
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
    ...(instantiates.length > 0 && { instantiates }),
    software: { name: 'Covered Bridge', version },
    implementation: { description: tenant.name, url: fhirBase },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    ...(implementationGuide.length > 0 && { implementationGuide }),
    rest: [
      {
        mode: 'server',
        security: {
          cors: true,
          service: [
            {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' },
              ],
            },
          ],
          extension: [
            {
              url: OAUTH_URIS,
              extension: Object.entries(oauthUris).map(([url, valueUri]) => ({ url, valueUri })),
            },
          ],
        },
        resource: mergedResources(parts.flatMap(({ resources }) => resources)),
        ...(searchParam.length > 0 && { searchParam }),
      },
    ],
  };
}

function mergedResources(resources: readonly ResourceCapability[]): readonly object[] {
  const types = distinct(resources.map(({ type }) => type)).sort();
  return types.map((type) => {
    const all = resources.filter((resource) => resource.type === type);
    const gather = <T>(of: (resource: ResourceCapability) => readonly T[] | undefined): readonly T[] =>
      distinct(all.flatMap((resource) => of(resource) ?? []));
    const lists = {
      supportedProfile: gather(({ supportedProfile }) => supportedProfile),
      interaction: gather(({ interaction }) => interaction).map((code) => ({ code })),
      referencePolicy: gather(({ referencePolicy }) => referencePolicy),
      searchInclude: gather(({ searchInclude }) => searchInclude),
      searchRevInclude: gather(({ searchRevInclude }) => searchRevInclude),
      searchParam: firstByName(gather(({ searchParam }) => searchParam)),
      operation: firstByName(gather(({ operation }) => operation)),
    };
    const { supportedProfile, interaction, ...rest } = lists;
    const versioning = all.find((resource) => resource.versioning)?.versioning;
    const readHistory = all.some((resource) => resource.readHistory);
    return {
      type,
      ...filled({ supportedProfile, interaction }),
      ...(versioning && { versioning }),
      ...(readHistory && { readHistory }),
      ...filled(rest),
    };
  });
}

const filled = (lists: Readonly<Record<string, readonly unknown[]>>): object =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

function firstByName<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
}
