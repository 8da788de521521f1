package features

// scale makes what came in a window, of which the data reach back so many days, what would have come had they reached back as far as it does.
func scale(values []float32, windowDays int, dataDays int32) {
	if dataDays < 1 || int(dataDays) >= windowDays {
		return
	}
	times := float64(windowDays) / float64(dataDays)
	for i := range values {
		values[i] = float32(float64(values[i]) * times)
	}
}
