import type { Fault } from '../../simulator/api/faults.ts';

/** What a DELETE came to, and what its sender was told. */
export interface Became {
  /** It was this request that removed the pod. */
  readonly carriedOut: boolean;
  /** The API server's word came through. */
  readonly wasAnswered: boolean;
  /** Somebody else had removed it. */
  readonly elsewhere: boolean;
}

/** The API server sees nothing of it, whoever answers. */
const UNHEARD: ReadonlySet<Fault['kind']> = new Set(['status', 'garbage', 'reset-before', 'refuse', 'hang']);

/** The answer begins, and does not end in time. */
const UNENDED: ReadonlySet<Fault['kind']> = new Set(['stall', 'slow', 'endless', 'cut']);

/** `wasRemoved`: the pod was deleted at that moment; two may ask for it at the same one. */
export function becameOf(status: number | undefined, fault: Fault | undefined, wasRemoved: boolean): Became {
  if (fault !== undefined && UNHEARD.has(fault.kind))
    return { carriedOut: false, wasAnswered: false, elsewhere: false };
  return {
    carriedOut: wasRemoved && (status === 200 || status === undefined),
    wasAnswered: isTold(status, fault?.kind),
    elsewhere: status === 404 || status === 409,
  };
}

/** What is refused says so in its first line; what was done says so in a body that has to be whole. */
function isTold(status: number | undefined, fault: Fault['kind'] | undefined): boolean {
  if (status === undefined || (fault !== undefined && UNENDED.has(fault))) return false;
  return !(fault === 'truncate' && status === 200);
}
