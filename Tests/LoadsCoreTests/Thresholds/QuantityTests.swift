import LoadsCore
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        (Quantity(200e6, .time), "200 ms"), (Quantity(200_040_000, .time), "200.04 ms"),
        (Quantity(1500, .time), "1.5 µs"),
        (Quantity(2e9, .time), "2 s"), (Quantity(0, .time), "0 µs"), (Quantity(0.0125, .share), "1.25 %"),
        (Quantity(0.99, .share), "99 %"), (Quantity(0.000_012_3, .share), "0.00123 %"),
        (Quantity(912.34, .perSecond), "912.34/s"),
        (Quantity(123_456, .number), "123456"), (Quantity(-5, .number), "-5"), (Quantity(10_485_760, .bytes), "10 MiB"),
        (Quantity(1536, .bytesPerSecond), "1.5 KiB/s"), (Quantity(.infinity, .number), "–"),
    ])
    func readsWell(_ quantity: Quantity, _ text: String) { #expect("\(quantity)" == text) }
}
