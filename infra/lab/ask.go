// Command ask opens a connection to an address and says whether it was let in. It stands in images of the tier "node":
// a static busybox cannot look an address up.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	c, err := net.DialTimeout("tcp", os.Args[1], 4*time.Second)
	if err != nil {
		fmt.Println("shut-out")
		return
	}
	c.Close()
	fmt.Println("let-in")
}
