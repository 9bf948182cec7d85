import type { Certificate } from './certificate.ts';

const ANY = '2.5.29.32.0';

/**
 * Certificate policies along a path (RFC 5280 §6.1.2 to §6.1.5), for somebody who accepts any policy: all that matters
 * is whether one is left when a certificate demands one. Instead of a tree it holds the policies at its leaves,
 * which is what the tree is pruned to.
 */
export class PolicyState {
  private expected: ReadonlySet<string> = new Set([ANY]);
  private explicit: number;
  private inhibitAny: number;
  private mapping: number;

  /** @param length  certificates below the anchor */
  constructor(length: number) {
    this.explicit = length + 1;
    this.inhibitAny = length + 1;
    this.mapping = length + 1;
  }

  /**
   * Take one certificate in.
   *
   * @returns whether the path still holds
   */
  enter(certificate: Certificate, { selfIssued, isLast }: { selfIssued: boolean; isLast: boolean }): boolean {
    const takesAny = this.inhibitAny > 0 || (selfIssued && !isLast);
    this.expected = next(this.expected, certificate.policies, takesAny);
    // §6.1.3 (f)
    if (this.explicit === 0 && this.expected.size === 0) return false;
    if (isLast) return this.end(certificate);
    // §6.1.4 (a): the policy of all policies cannot be mapped.
    if (certificate.policyMappings.some((pair) => pair.includes(ANY))) return false;
    this.expected = mapped(this.expected, certificate.policyMappings, this.mapping > 0);
    this.count(certificate, selfIssued);
    return true;
  }

  /** §6.1.4 (h) to (j) */
  private count({ policyConstraints, inhibitAnyPolicy }: Certificate, selfIssued: boolean): void {
    if (!selfIssued) {
      this.explicit = Math.max(0, this.explicit - 1);
      this.mapping = Math.max(0, this.mapping - 1);
      this.inhibitAny = Math.max(0, this.inhibitAny - 1);
    }
    this.explicit = Math.min(this.explicit, policyConstraints?.explicit ?? this.explicit);
    this.mapping = Math.min(this.mapping, policyConstraints?.inhibitMapping ?? this.mapping);
    this.inhibitAny = Math.min(this.inhibitAny, inhibitAnyPolicy ?? this.inhibitAny);
  }

  /** §6.1.5 (a), (b), (g) */
  private end({ policyConstraints }: Certificate): boolean {
    const explicit = policyConstraints?.explicit === 0 ? 0 : Math.max(0, this.explicit - 1);
    return explicit > 0 || this.expected.size > 0;
  }
}

/** §6.1.3 (d), (e) */
function next(
  expected: ReadonlySet<string>,
  policies: readonly string[] | null,
  takesAny: boolean,
): ReadonlySet<string> {
  if (policies === null) return new Set();
  const named = policies.filter((policy) => policy !== ANY);
  const kept = new Set(named.filter((policy) => expected.has(policy) || expected.has(ANY)));
  if (policies.includes(ANY) && takesAny) for (const policy of expected) kept.add(policy);
  return kept;
}

/** §6.1.4 (b) */
function mapped(
  expected: ReadonlySet<string>,
  mappings: Certificate['policyMappings'],
  allowed: boolean,
): ReadonlySet<string> {
  const from = new Set(mappings.map(([issuer]) => issuer));
  const kept = new Set([...expected].filter((policy) => !from.has(policy)));
  if (allowed)
    for (const [issuer, subject] of mappings)
      if (expected.has(issuer) || expected.has(ANY)) kept.add(subject);
  return kept;
}
