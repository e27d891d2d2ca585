import { structureTable, summaryElementTable } from '#/fhir/definitions/definitions.ts';
import { typeOf } from '#/fhir/resource-types.ts';
import { compileElements, type ElementCut } from '#/fhir/search/elements.ts';
import type { FoundRow } from '#/fhir/store/search-rows.ts';
import type { SearchRequest } from './search-request.ts';

/**
 * How resources are cut for `_summary` and `_elements`. Without either they go out as they are stored. `_elements` is about
 * what was searched; what is included stays whole.
 *
 * Source: FHIR R4 search 3.1.1.5.8, 3.1.1.5.9
 */
export function contentCut(request: Pick<SearchRequest, 'type' | 'summary' | 'elements'>): (row: FoundRow) => string {
  const { summary, elements } = request;
  if (summary === 'false' && elements === undefined) return ({ content }) => content;
  const cuts = new Map<string, ElementCut>();
  return ({ rt, kind, content }) => {
    const type = typeOf(rt);
    if (summary === 'false' && (kind === 'include' || elements === undefined)) return content;
    let cut = cuts.get(type);
    if (cut === undefined) {
      cut = compileElements(type, elements !== undefined && kind === 'match' ? elements : namesOf(type, summary));
      cuts.set(type, cut);
    }
    return cut(content);
  };
}

function namesOf(type: string, summary: SearchRequest['summary']): readonly string[] {
  switch (summary) {
    case 'text':
      return ['text'];
    case 'data':
      return Object.keys(structureTable()[type]?.[''] ?? {}).filter((name) => name !== 'text');
    case 'true':
      return summaryElementTable()[type] ?? [];
    case 'count':
    case 'false':
      return [];
    default:
      return summary satisfies never;
  }
}
