// What of JSON Schema the service's document uses, checked; any other word in it is an error.

type Schema = { readonly [word: string]: unknown }

const WORDS = [
  '$ref',
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'maxItems',
  'minimum',
  'anyOf',
  'enum',
  'const',
  'description',
  'format',
]

const typeOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value

/** What is wrong with a value, one sentence each. @param document where references lead */
export function faults(document: unknown, schema: Schema, value: unknown, at = '$'): string[] {
  const strange = Object.keys(schema).filter((word) => !WORDS.includes(word))
  if (strange.length > 0) throw new Error(`the schema at ${at} has ${strange}`)
  if (typeof schema.$ref === 'string') return faults(document, resolved(document, schema.$ref), value, at)
  const wrong: string[] = []
  const type = typeOf(value)
  if (schema.type && schema.type !== type && !(schema.type === 'number' && type === 'integer')) wrong.push(`${at} is ${type}`)
  if ('const' in schema && schema.const !== value) wrong.push(`${at} is ${value}`)
  if (schema.enum && !(schema.enum as unknown[]).includes(value)) wrong.push(`${at} is ${value}`)
  if (schema.anyOf && (schema.anyOf as Schema[]).every((one) => faults(document, one, value, at).length > 0)) {
    wrong.push(`${at} is none of those it may be: ${JSON.stringify(value)}`)
  }
  if (typeof schema.minimum === 'number' && (value as number) < schema.minimum) wrong.push(`${at} is ${value}`)
  if (Array.isArray(value)) {
    if (typeof schema.maxItems === 'number' && value.length > schema.maxItems) wrong.push(`${at} has ${value.length} items`)
    const { items } = schema
    if (items) wrong.push(...value.flatMap((item, i) => faults(document, items as Schema, item, `${at}[${i}]`)))
  }
  if (type === 'object' && schema.properties) {
    const properties = new Map(Object.entries(schema.properties as Record<string, Schema>))
    const fields = new Map(Object.entries(value as object))
    for (const name of schema.required as string[]) if (!fields.has(name)) wrong.push(`${at} has no ${name}`)
    for (const [name, field] of fields) {
      const known = properties.get(name)
      if (known) wrong.push(...faults(document, known, field, `${at}.${name}`))
      else if (schema.additionalProperties === false) wrong.push(`${at} has ${name}`)
    }
  }
  return wrong
}

/** Where a reference leads. */
export function resolved(document: unknown, reference: string): Schema {
  let place = document as Record<string, unknown>
  for (const name of reference.replace('#/', '').split('/')) {
    if (!Object.hasOwn(place, name)) throw new Error(`${reference} leads nowhere`)
    place = place[name] as Record<string, unknown>
  }
  return place
}
