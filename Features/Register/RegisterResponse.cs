using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Register;

sealed record RegisterResponse([property: Range(1, double.MaxValue)] long Id, string Message);

/// <summary>The answer for new and taken addresses alike, which does not reveal which ones are taken.</summary>
sealed record RegisterPendingResponse(string Message)
{
    public const string Sentence = "Look into your mail: what to do next is there";
}
