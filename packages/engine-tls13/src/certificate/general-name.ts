import { type DerReader, derTag } from './der-reader.ts';
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts';
import { readObjectId } from './object-id.ts';

/** The forms of GeneralName (RFC 5280 §4.2.1.6) by their tags. */
const forms = {
  0xa0: 'otherName',
  0x81: 'rfc822Name',
  0x82: 'dNSName',
  0xa3: 'x400Address',
  0xa4: 'directoryName',
  0xa5: 'ediPartyName',
  0x86: 'uniformResourceIdentifier',
  0x87: 'iPAddress',
  0x88: 'registeredID',
} as const;

type GeneralNameForm = (typeof forms)[keyof typeof forms];

/** A GeneralName (RFC 5280 §4.2.1.6). */
export type GeneralName =
  | { readonly form: 'directoryName'; readonly name: DistinguishedName }
  | { readonly form: Exclude<GeneralNameForm, 'directoryName'>; readonly content: Uint8Array };

/** @throws CertificateError */
export function generalName(reader: DerReader): GeneralName {
  const { tag, content } = reader.any('generalName');
  const form = (forms as Readonly<Record<number, GeneralNameForm | undefined>>)[tag];
  if (form === undefined) throw reader.malformed('.generalName has a form that there is not');
  if (form === 'otherName') checkOtherName(reader.nested(content, form));
  if (form === 'registeredID' && readObjectId(content) === undefined)
    throw reader.malformed('.registeredID is no object identifier');
  if (form !== 'directoryName') return { form, content };
  const explicit = reader.nested(content, 'directoryName');
  const name = distinguishedName(explicit.inside(derTag.sequence, 'name'));
  explicit.end();
  return { form, name };
}

/** OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY DEFINED BY type-id } */
function checkOtherName(name: DerReader): void {
  name.objectId('type-id');
  const value = name.inside(0xa0, 'value');
  name.end();
  value.any('value');
  value.end();
}
