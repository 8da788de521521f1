package training

import "whowhen.dev/whowhen/features"

// wholeFactor is how many times the penalty columns have that sum up a whole history in one number, in comparison to those of windows.
//
// A count within 30 days and one within 60 say nearly the same, so that several windows share what there is to say, each with a small coefficient that
// costs little: one penalty for all has the windows say what a single number says better, and with more windows the more so. A typical value does not
// compete with windows, and predicts as well without.
const wholeFactor = 0.2

// noProduct says whether a column takes part in no product. What is counted since the beginning grows with the data, and in a product with another column
// that does as well it is soon far from anything that was trained on. Of windows that end earlier, one among several that say nearly the same is in the
// product by chance.
func noProduct(c features.Column) bool {
	switch c.Family {
	case features.Count, features.Days, features.Sum, features.Tenure:
		return true
	}
	return false
}

// penaltyFactor is how many times the penalty a column has.
func penaltyFactor(c features.Column) float64 {
	switch c.Family {
	case features.Recency, features.Gap, features.Pace, features.Flow, features.Habit, features.Chance, features.Popularity:
		return wholeFactor
	}
	return 1
}
