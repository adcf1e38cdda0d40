import * as z from 'zod'
import { named, text, texts } from '../schema.ts'

/** What is known about a user beside name, uid and groups: lists of texts by key. */
export const extraValues = (description: string) => z.record(z.string(), z.array(z.string())).optional().describe(description)

/** A user as reviews tell of him (k8s.io/api/authentication/v1 UserInfo). */
export const UserInfoFields = named(
  'authentication/v1.UserInfo',
  'Who somebody is.',
  () => ({
    username: text('The name that identifies the user.'),
    uid: text('Identifies the user even after the name has been given to somebody else.'),
    groups: texts('The groups that the user is in.'),
    extra: extraValues('What else whoever authenticated the user had to say.'),
  }),
  { wire: 'username uid groups extra' },
)
