mock_provider "aws" {
  source = "./tests/mocks"
}

run "groups_become_roles" {
  command = plan

  assert {
    condition     = sort(keys(aws_iam_role.people)) == sort(["team-shop-view", "team-shop-dev", "team-data-view", "team-data-dev", "platform-ops", "break-glass"])
    error_message = "two roles per team, one for operators, one for emergencies"
  }

  assert {
    condition     = aws_iam_role.people["break-glass"].max_session_duration == 3600
    error_message = "an emergency lasts an hour"
  }

  assert {
    condition     = alltrue([for r in aws_iam_role.people : r.permissions_boundary == var.boundary_arn])
    error_message = "everybody has the boundary"
  }

  assert {
    condition     = aws_iam_role.people["break-glass"].tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "entries_for_the_cluster" {
  command = apply

  assert {
    condition     = [for n, e in output.access_entries : n if e.admin] == ["break-glass"]
    error_message = "only the emergency role administers"
  }

  assert {
    condition     = output.access_entries["team-shop-dev"].groups == tolist(["portal:shop:edit"]) && output.access_entries["team-shop-view"].groups == tolist(["portal:shop:view"])
    error_message = "groups follow the roles"
  }
}

run "nobody_reads_secrets" {
  command = plan

  assert {
    condition     = alltrue([for p in concat(values(aws_iam_role_policy.people), values(aws_iam_role_policy.exec)) : alltrue([for s in jsondecode(p.policy).Statement : s.Effect == "Deny" || !anytrue([for a in flatten([s.Action]) : strcontains(a, "GetSecretValue") || a == "secretsmanager:*" || a == "*"])])])
    error_message = "no role may read a secret value"
  }

  assert {
    condition     = alltrue([for r in ["platform-ops"] : anytrue([for s in jsondecode(aws_iam_role_policy.people[r].policy).Statement : s.Effect == "Deny" && contains(flatten([s.Action]), "secretsmanager:GetSecretValue")])])
    error_message = "operators are denied expressly"
  }
}

run "people_cannot_raise_themselves" {
  command = plan

  assert {
    condition     = alltrue([for p in values(aws_iam_role_policy.people) : !strcontains(p.policy, "iam:")])
    error_message = "no IAM for people"
  }

  assert {
    condition     = alltrue([for r in ["team-shop-view", "team-data-view"] : alltrue([for a in jsondecode(aws_iam_role_policy.people[r].policy).Statement[0].Action : can(regex(":(Describe|List|Get|Filter|BatchGet)", a))])])
    error_message = "who looks changes nothing"
  }
}

run "the_worker_is_held_to_its_environment" {
  command = plan

  assert {
    condition     = alltrue([for r in aws_iam_role.exec : jsondecode(r.assume_role_policy).Statement[0].Condition.Null["aws:RequestTag/env-id"] == "false"])
    error_message = "no exec role without the environment in the session"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.exec["destroy"].policy).Statement[1].Condition.StringEquals["aws:ResourceTag/portal:env-id"] == "$${aws:PrincipalTag/env-id}"
    error_message = "only what belongs to the environment is destroyed"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.exec["apply"].policy).Statement[2].Condition.StringEquals["iam:PermissionsBoundary"] == var.boundary_arn
    error_message = "roles are made with the boundary only"
  }

  assert {
    condition     = alltrue([for a in flatten([for s in jsondecode(aws_iam_role_policy.exec["plan"].policy).Statement : s.Action if s.Sid == "Read"]) : can(regex(":(Describe|List|Get)", a))])
    error_message = "planning changes nothing"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.exec["apply"].policy, ":Delete") || !anytrue([for s in jsondecode(aws_iam_role_policy.exec["apply"].policy).Statement : s.Effect == "Allow" && s.Sid != "StateAndLock" && anytrue([for a in flatten([s.Action]) : strcontains(a, ":Delete")])])
    error_message = "applying deletes nothing"
  }
}

run "secrets_stay_with_their_team" {
  command = plan

  variables {
    external_secrets_role_arn = "arn:aws:iam::111122223333:role/external-secrets"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.secrets["shop"].assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/esoNamespace"]) == jsonencode(["shop", "shop-staging"])
    error_message = "only the exact namespaces of the team"
  }

  assert {
    condition     = endswith(jsondecode(aws_iam_role_policy.secrets["shop"].policy).Statement[0].Resource, ":secret:platform/shop/*")
    error_message = "only the secrets of the team"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.secrets["data"].policy, "shop")
    error_message = "a team reads nothing of another"
  }
}

run "no_secret_roles_without_the_controller" {
  command = plan

  assert {
    condition     = length(aws_iam_role.secrets) == 0
    error_message = "none before there is a cluster"
  }
}

run "refuses_a_controller_by_pattern" {
  command = plan

  variables {
    external_secrets_role_arn = "arn:aws:iam::111122223333:role/*"
  }
  expect_failures = [var.external_secrets_role_arn]
}

run "refuses_a_team_called_platform" {
  command = plan

  variables {
    teams = { platform = { namespaces = ["x"] } }
  }
  expect_failures = [var.teams]
}

run "refuses_a_namespace_of_two_teams" {
  command = plan

  variables {
    teams = { aa = { namespaces = ["x"] }, bb = { namespaces = ["x"] } }
  }
  expect_failures = [var.teams]
}

run "refuses_a_namespace_of_kubernetes" {
  command = plan

  variables {
    teams = { shop = { namespaces = ["kube-system"] } }
  }
  expect_failures = [var.teams]
}

run "refuses_everybody" {
  command = plan

  variables {
    trusted_principal = "*"
  }
  expect_failures = [var.trusted_principal]
}

run "refuses_a_worker_by_pattern" {
  command = plan

  variables {
    worker_role_arn = "arn:aws:iam::111122223333:role/*"
  }
  expect_failures = [var.worker_role_arn]
}

run "refuses_an_empty_prefix" {
  command = plan

  variables {
    secret_prefix = ""
  }
  expect_failures = [var.secret_prefix]
}
