import type { PriorityClass } from '../../api/scheduling/priority-class.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { onOneLine } from './parts.ts'

export const describePriorityClass: Describer<PriorityClass> = (priorityClass, around) => {
  const { metadata, value, globalDefault = false, preemptionPolicy = '', description = '' } = priorityClass
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `Value:\t${value}`)
  page.line(0, `GlobalDefault:\t${globalDefault}`)
  page.line(0, `PreemptionPolicy:\t${preemptionPolicy}`)
  page.line(0, `Description:\t${description}`)
  page.line(0, `Annotations:\t${onOneLine(metadata.annotations)}`)
  events(page, around.events, around.now)
  return page.text()
}
