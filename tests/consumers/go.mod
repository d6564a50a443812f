module consumers

go 1.25

require (
	github.com/goccy/go-yaml v1.19.0
	github.com/lib/pq v1.10.9
	gopkg.in/yaml.v3 v3.0.1
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.2 // indirect
