/** One check of a compliance suite: resolves when it holds, rejects when it does not. Give it to whatever runs your tests. */
export interface ComplianceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}
