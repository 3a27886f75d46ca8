namespace Weir.Brokers.Testing;

/// <summary>A broker does not keep the contract; the message names what was expected and what was found.</summary>
public sealed class BrokerContractException(string message) : Exception(message);
