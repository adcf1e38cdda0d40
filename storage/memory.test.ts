import { memoryStore } from './memory.ts'
import { storeContract } from './store.contract.ts'
import { storeProperty } from './store.property.ts'

const factory = async ({ clock }: Parameters<Parameters<typeof storeContract>[1]>[0]) => ({
  store: memoryStore({ clock }),
  remove: async () => {},
})

storeContract('memory', factory)
storeProperty('memory', factory)
