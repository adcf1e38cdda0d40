module patch-recordings

go 1.24

require (
	gopkg.in/evanphx/json-patch.v4 v4.12.0
	k8s.io/apimachinery v0.34.1
	k8s.io/client-go v0.34.1
	sigs.k8s.io/structured-merge-diff/v6 v6.3.0
)
