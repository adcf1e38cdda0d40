import type { CronJob } from '../../api/batch/cron-job.ts'
import type { Job } from '../../api/batch/job.ts'
import { humanDuration } from '../../api/duration.ts'
import { formatSelector, fromLabelSelector, type LabelSelectorObject } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, controlledBy, heading, labels, longTime } from './parts.ts'
import { podTemplate } from './template.ts'

/** Longer lists of indexes are cut at the next comma. */
const indexesShown = 50

export const describeJob: Describer<Job> = (job, around) => {
  const { spec, status } = job
  const page = newPage()
  const line = (title: string, value: unknown) => {
    if (value !== undefined) page.line(0, `${title}:\t${value}`)
  }
  heading(page, job)
  line('Selector', selectorText(spec.selector))
  labels(page, job)
  annotations(page, job.metadata.annotations)
  controlledBy(page, job)
  line('Parallelism', spec.parallelism)
  line('Completions', spec.completions ?? '<unset>')
  line('Completion Mode', spec.completionMode)
  line('Suspend', spec.suspend)
  line('Backoff Limit', spec.backoffLimit)
  line('TTL Seconds After Finished', spec.ttlSecondsAfterFinished)
  const { startTime, completionTime, active = 0, ready, succeeded = 0, failed = 0 } = status
  if (startTime) line('Start Time', longTime(startTime))
  if (completionTime) line('Completed At', longTime(completionTime))
  if (startTime && completionTime) line('Duration', humanDuration(Date.parse(completionTime) - Date.parse(startTime)))
  if (spec.activeDeadlineSeconds !== undefined) line('Active Deadline Seconds', `${spec.activeDeadlineSeconds}s`)
  const readyText = ready === undefined ? '' : ` (${ready} Ready)`
  line('Pods Statuses', `${active} Active${readyText} / ${succeeded} Succeeded / ${failed} Failed`)
  if (spec.completionMode === 'Indexed') line('Completed Indexes', indexesText(status.completedIndexes ?? ''))
  podTemplate(page, spec.template)
  events(page, around.events, around.now)
  return page.text()
}

function selectorText(selector: LabelSelectorObject | undefined): string {
  return selector ? formatSelector(fromLabelSelector(selector)) : ''
}

/** `1-3,5`, cut after fifty characters where a number ends. */
export function indexesText(indexes: string): string {
  if (indexes === '') return '<none>'
  const comma = indexes.indexOf(',', indexesShown)
  return comma < 0 ? indexes : `${indexes.slice(0, comma + 1)}...`
}

export const describeCronJob: Describer<CronJob> = (cronJob, around) => {
  const { metadata, spec, status } = cronJob
  const page = newPage()
  heading(page, cronJob)
  labels(page, cronJob)
  annotations(page, metadata.annotations)
  page.line(0, `Schedule:\t${spec.schedule}`)
  page.line(0, `Concurrency Policy:\t${spec.concurrencyPolicy}`)
  page.line(0, `Suspend:\t${spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'}`)
  page.line(0, `Successful Job History Limit:\t${spec.successfulJobsHistoryLimit ?? '<unset>'}`)
  page.line(0, `Failed Job History Limit:\t${spec.failedJobsHistoryLimit ?? '<unset>'}`)
  const deadline = spec.startingDeadlineSeconds
  page.line(0, `Starting Deadline Seconds:\t${deadline === undefined ? '<unset>' : `${deadline}s`}`)
  jobTemplate(page, spec.jobTemplate.spec)
  page.line(0, `Last Schedule Time:\t${status.lastScheduleTime ? longTime(status.lastScheduleTime) : '<unset>'}`)
  page.line(0, `Active Jobs:\t${status.active?.map(({ name }) => name ?? '').join(', ') || '<none>'}`)
  events(page, around.events, around.now)
  return page.text()
}

function jobTemplate(page: Page, spec: CronJob['spec']['jobTemplate']['spec']): void {
  page.line(0, `Selector:\t${spec.selector ? selectorText(spec.selector) : '<unset>'}`)
  page.line(0, `Parallelism:\t${spec.parallelism ?? '<unset>'}`)
  page.line(0, `Completions:\t${spec.completions ?? '<unset>'}`)
  if (spec.activeDeadlineSeconds !== undefined) page.line(0, `Active Deadline Seconds:\t${spec.activeDeadlineSeconds}s`)
  podTemplate(page, spec.template)
}
