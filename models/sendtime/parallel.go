package sendtime

import "sync"

// parallel calls do with 0 to n-1, each on a goroutine of its own.
func parallel(n int, do func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { do(i) })
	}
	wait.Wait()
}
