import type { FieldDefinition, LayerDefinition } from '../lib/catalogue.svelte.ts';

/** The field that names a feature to people. */
export function titleField(definition: LayerDefinition): FieldDefinition | undefined {
  const byName = (name: string | null | undefined): FieldDefinition | undefined =>
    definition.fields.find((field) => field.name === name && !field.personal);
  return byName(definition.style?.label_field) ?? byName('name') ?? byName('title') ?? byName(definition.key[0]);
}
