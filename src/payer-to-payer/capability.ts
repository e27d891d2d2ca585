import type {
  CapabilityPart,
  ResourceCapability,
  SearchParamCapability,
} from '#/fhir/capability/capability-statement.ts';
import type { FhirRoute } from '#/fhir/capability/fhir-route.ts';
import { type CompiledParameter, searchParametersOf, searchParametersOfAll } from '#/fhir/search/parameters.ts';
import { EXPORTABLE_TYPES, isExportable } from './export/exportable-types.ts';

const INSTANTIATES = [
  'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data',
  'http://hl7.org/fhir/us/davinci-pdex/CapabilityStatement/pdex-payer-access-server',
];
const NOT_SUPPORTED = 'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported';

/**
 * What this product does on a plan's FHIR base: nothing but what its routes really do (P2P-43), the types an export may hold,
 * and the search parameters that its filters understand.
 *
 * @param routes what the mounted routes do; complete once the server listens
 *
 * Source: FHIR R4 CapabilityStatement; payer-to-payer.md 3.7.
 */
export function payerToPayerPart(routes: readonly FhirRoute[]): CapabilityPart {
  const exports = routes.some(isExport);
  const types = [...new Set([...(exports ? EXPORTABLE_TYPES : []), ...routes.map(({ type }) => type)])];
  return {
    ...(exports && { instantiates: INSTANTIATES, searchParam: searchParametersOfAll().map(filterParameter) }),
    resources: types.map((type) => resourceOf(type, routes)),
  };
}

function resourceOf(type: string, routes: readonly FhirRoute[]): ResourceCapability {
  const own = routes.filter((route) => route.type === type);
  return {
    type,
    interaction: own.flatMap(({ kind }) => (kind === 'read' ? ['read'] : kind === 'search' ? ['search-type'] : [])),
    searchParam: [...searched(type, routes), ...filtered(type, routes)],
    operation: own.flatMap((route) =>
      route.kind === 'operation' ? [{ name: route.name, definition: route.definition }] : [],
    ),
  };
}

const isExport = (route: FhirRoute): boolean => route.kind === 'operation' && route.name === 'export';

/** Parameters of a search by REST; those that filters of an export do not understand say so (Bulk Data 3). */
function searched(type: string, routes: readonly FhirRoute[]): readonly SearchParamCapability[] {
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

/** Parameters that filters of an export understand; where a search by REST understands them, too, it tells of them. */
function filtered(type: string, routes: readonly FhirRoute[]): readonly SearchParamCapability[] {
  if (!routes.some(isExport) || !isExportable(type)) return [];
  const ofAll = new Set(searchParametersOfAll().map(({ code }) => code));
  return [...searchParametersOf(type).values()].filter(({ code }) => !ofAll.has(code)).map(filterParameter);
}

const filterParameter = ({ code, definition, type }: CompiledParameter): SearchParamCapability => ({
  name: code,
  definition,
  type,
  documentation: 'In _typeFilter of an export only.',
});
