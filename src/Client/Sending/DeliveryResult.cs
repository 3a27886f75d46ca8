namespace Weir.Client.Sending;

/// <summary>The delivery status of a message, and the reason.</summary>
/// <param name="Delivery">The status.</param>
/// <param name="Reason">Why it was not delivered, or why that is unknown; empty if it was delivered.</param>
/// <param name="ErrorCode">The error code of the server's reply; 0 if that was no error, or there was none.</param>
public readonly record struct DeliveryResult(Delivery Delivery, string Reason = "", int ErrorCode = 0);
