// Who somebody is.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, mapOf, string, struct } from '../../apimachinery/schema.ts'

export const userInfo = struct('io.k8s.api.authentication.v1.UserInfo', {
  username: string(1),
  uid: string(2),
  groups: list(3, string(), { list: 'atomic' }),
  extra: mapOf(4, list(1, string(), { list: 'atomic' })),
})
export interface UserInfo extends TypeOf<typeof userInfo> {}
