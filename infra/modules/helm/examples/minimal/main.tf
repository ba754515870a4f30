# The least that helm needs. The provider is given the cluster's address from outside: it must never be configured from the
# state in which its cluster is made. Try it with: terraform init && terraform plan -var kubeconfig=…
variable "kubeconfig" {
  description = "Path of a kubeconfig that reaches the cluster."
  type        = string
}

provider "helm" {
  kubernetes = {
    config_path = var.kubeconfig
  }
}

module "addons" {
  source = "../.."

  addons_file = "${path.module}/../../../../monitoring/addons.yaml"
  enabled     = ["external-secrets", "external-dns"]
  cluster     = { name = "shop-dev", region = "eu-west-1", dns_domain = "dev.example.org", registry = "registry.example.org", environment = "dev" }
}
