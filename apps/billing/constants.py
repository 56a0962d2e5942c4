"""Values of the billing app."""

SHARED, DEDICATED = "shared", "dedicated"

# ISO 4217: currencies whose minor unit is not a hundredth.
MINOR_DIGITS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
# Signs that mean one currency to most readers; the others are written by their code.
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "NGN": "₦"}
