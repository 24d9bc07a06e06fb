/**
 * Live objects as an application has beside its connections, about 32 MiB. In a heap of a few MiB, V8 collects everything, on other
 * threads too, for every 32 MiB of buffers that come and go, or never does: that is luck, and in bulk it is half of all CPU time.
 */
export const application = (): readonly object[] =>
  Array.from({ length: 300_000 }, (_, number) => ({ number, name: `object ${number}` }));
