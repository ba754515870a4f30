variable "word" {
  description = "Something that every resource holds."
  type        = string
  default     = "bench"
}
