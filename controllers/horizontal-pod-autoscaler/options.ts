/** How the autoscalers of a cluster are worked; kube-controller-manager's flags `--horizontal-pod-autoscaler-*`. */
export interface AutoscalingOptions {
  /** How often each autoscaler looks. */
  readonly syncPeriodInMs: number
  /** How long a higher recommendation holds off going down, where an autoscaler does not say so itself. */
  readonly downscaleStabilizationInMs: number
  /** By how much of its target a metric may be off before anything happens. */
  readonly tolerance: number
  /** So long after its start, what a pod uses of the CPU counts only once it is ready. */
  readonly cpuInitializationInMs: number
  /** A pod that is not ready, and last changed so soon after its start, has never been ready. */
  readonly initialReadinessDelayInMs: number
  /** Whether `behavior.*.tolerance` counts: upstream's gate HPAConfigurableTolerance, off in 1.34. */
  readonly ownTolerances: boolean
}

/** Upstream's (pkg/controller/podautoscaler/config/v1alpha1/defaults.go). */
export const defaultAutoscaling: AutoscalingOptions = {
  syncPeriodInMs: 15_000,
  downscaleStabilizationInMs: 300_000,
  tolerance: 0.1,
  cpuInitializationInMs: 300_000,
  initialReadinessDelayInMs: 30_000,
  ownTolerances: false,
}
