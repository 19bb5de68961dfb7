// Admission: what may change or refuse a write after it was authorised, in the order of the list that the server is put together with.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import type { RequestContext } from '../registry/context.ts'

export interface Attributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  resource: Resource<AnyObject>
  /** Empty for the object itself. */
  subresource: string
  namespace: string
  name: string
  /** The object as it will be stored; absent for DELETE and CONNECT. Mutating plugins change it in place. */
  object?: AnyObject
  /** The object as it is stored; absent for CREATE. */
  previous?: DeepReadonly<AnyObject>
  context: RequestContext
}

/** One admission plugin. It throws a StatusError to refuse. */
export interface AdmissionPlugin {
  name: string
  mutate?(attributes: Attributes): void | Promise<void>
  validate?(attributes: Attributes): void | Promise<void>
}

/** Runs the mutating halves in order, then `between` (defaults and validation), then the validating halves. */
export async function admit(
  plugins: readonly AdmissionPlugin[],
  attributes: Attributes,
  between: () => void = () => {},
): Promise<void> {
  // By index: every write passes through here, and an iterator makes an object for each plugin.
  for (let i = 0; i < plugins.length; i++) {
    const mutation = plugins[i]?.mutate?.(attributes)
    if (mutation) await mutation
  }
  between()
  for (let i = 0; i < plugins.length; i++) {
    const validation = plugins[i]?.validate?.(attributes)
    if (validation) await validation
  }
}
