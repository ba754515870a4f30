variable "left_open" {
  type = string
