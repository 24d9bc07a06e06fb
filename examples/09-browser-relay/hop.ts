/** What one hop sees, as the page's server tells it to the page, which draws it. */
export type Hop =
  | {
      readonly at: 'relay';
      readonly from: 'page' | 'server';
      /** Records that began in this chunk. */
      readonly records: readonly { readonly type: string; readonly length: number }[];
      readonly bytes: number;
      /** The first bytes, in hexadecimal. */
      readonly hex: string;
      readonly isFlipped: boolean;
    }
  | { readonly at: 'relay'; readonly ended: string; readonly isCut: boolean }
  | { readonly at: 'server'; readonly saw: string };
