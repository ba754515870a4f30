# Who must approve what. Evaluated once per preview; the answer is stored with the run and shown on its page.
#
# Answers: deny (reasons), warn (sentences), needs (votes by role, with the reason), rule (by which rule nobody needs
# to vote), votes_live_hours.
package slipway

import rego.v1

default votes_live_hours := 168

# A preview environment within its team's quota needs nobody.
within_quota if {
	input.environment.class == "preview"
	input.team.previews <= input.team.preview_quota
}

needs contains {"role": "lead", "count": 1, "because": because} if {
	input.environment.class == "preview"
	not within_quota
	input.run.operation == "create"
	because := sprintf("The team has %d preview environments and a quota of %d.", [input.team.previews, input.team.preview_quota])
}

needs contains {"role": "lead", "count": 1, "because": "It is a shared environment."} if {
	input.environment.class == "shared"
	not input.preview.destroys_data
}

needs contains {"role": "lead", "count": 1, "because": "It is a production environment."} if {
	input.environment.class == "production"
	not input.preview.destroys_data
}

needs contains {"role": "operator", "count": 1, "because": "It is a production environment."} if {
	input.environment.class == "production"
	not input.preview.destroys_data
}

# Destroying data needs both, always: whatever the class, whoever asks, the end of its time included.
needs contains {"role": role, "count": 1, "because": "Data is destroyed."} if {
	input.preview.destroys_data
	some role in ["lead", "operator"]
}

rule := "preview environment within the team's quota" if {
	count(needs) == 0
	input.environment.class == "preview"
	input.run.operation == "create"
}

rule := "preview environments change and end without a vote" if {
	count(needs) == 0
	input.environment.class == "preview"
	input.run.operation != "create"
}

warn contains "The engine says that this plan cannot be applied." if not input.preview.applyable

deny contains "The engine refuses to apply this plan." if not input.preview.applyable
