namespace Weir.Sending;

/// <summary>
/// The copies of one message that is sent to several targets, accounted for by the targets; a sender only passes it on.
/// </summary>
internal interface IMessageCopies;
