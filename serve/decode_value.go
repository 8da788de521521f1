package serve

import (
	"errors"
	"math"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/value"
)

// outOfRange is a number that the builder rejects as such, with the bounds in its message.
var outOfRange = value.Num(value.Decimal{Coef: math.MinInt64})

// decodeValue returns a value, or why it cannot be one: a stable word and a sentence. What
// only cannot be kept, such as an infinite number, is left to the builder to reject.
func decodeValue(v *whowhenv1.Value) (decoded value.Value, reason, message string) {
	switch kind := v.GetKind().(type) {
	case *whowhenv1.Value_String_:
		return value.Text(kind.String_), "", ""
	case *whowhenv1.Value_Number:
		return decodeFloat(kind.Number), "", ""
	case *whowhenv1.Value_Decimal:
		number, err := value.ParseDecimal(kind.Decimal)
		switch {
		case errors.Is(err, value.ErrRange):
			return outOfRange, "", ""
		case err != nil:
			return value.Value{}, "NUMBER_INVALID", err.Error()
		}
		return value.Num(number), "", ""
	case *whowhenv1.Value_Bool:
		return value.Boolean(kind.Bool), "", ""
	case *whowhenv1.Value_Time:
		if kind.Time == nil {
			break
		}
		millis, bad := decodeTime("", kind.Time)
		if bad != nil {
			return value.Value{}, bad.Reason, bad.Message
		}
		return value.Value{Kind: value.Time, Millis: millis}, "", ""
	case *whowhenv1.Value_List:
		return value.Strings(kind.List.GetValues()), "", ""
	}
	return value.Value{}, "VALUE_MISSING", "the value is none of string, number, decimal, bool, time and list"
}

func decodeFloat(f float64) value.Value {
	number, err := value.FromFloat(f)
	if err != nil {
		return outOfRange
	}
	return value.Num(number)
}
