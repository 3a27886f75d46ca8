namespace Weir.Client;

/// <summary>What became of a message, and why.</summary>
/// <param name="Delivery">What became of it.</param>
/// <param name="Reason">Why it was not delivered, or why that is not known; empty if it was.</param>
/// <param name="ErrorCode">The code with which the server refused it; 0 if it did not.</param>
public readonly record struct DeliveryResult(Delivery Delivery, string Reason = "", int ErrorCode = 0);
