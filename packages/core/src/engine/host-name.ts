const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

/** A host name in ASCII (A-labels for international ones), in lower case and without a dot at its end; undefined for anything else, addresses too. */
export function hostName(text: string): string | undefined {
  const name = asciiLowerCase(text).replace(/\.$/, '');
  const labels = name.split('.');
  const isHostName =
    name.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '');
  return isHostName ? name : undefined;
}

/** `toLowerCase` makes an ASCII k of the Kelvin sign. */
const asciiLowerCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
