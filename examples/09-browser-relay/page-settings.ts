/** What the page is given by the server that serves it. */
export interface PageSettings {
  /** The authority that the page trusts, and no other: PEM. */
  readonly authority: string;
  /** Whom the server's certificate must be for. */
  readonly serverName: string;
  /** Two relays to the same server: one that only looks, and one that flips a bit. */
  readonly relays: { readonly curious: string; readonly malicious: string };
}
